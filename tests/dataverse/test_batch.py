"""A batch does what its requests say, in order: reads see what was written, change sets happen whole or not at all."""
