"""$batch: many requests in one body. parse reads them, run does them in order, write answers part by part."""
