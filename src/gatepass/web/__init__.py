"""HTTP in, HTTP out: decode, call one service, encode. No business rule, no SQL, no provider words."""
