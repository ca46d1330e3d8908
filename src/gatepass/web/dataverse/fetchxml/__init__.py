"""FetchXML: text to query (fetch), and the pages of its answer (paging)."""
