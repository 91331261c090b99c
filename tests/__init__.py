"""The tests: stories, laws, races and crashes."""
