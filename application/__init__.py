"""The office's work as a whole: the one writer, the ledgers' definitions, the questions."""
