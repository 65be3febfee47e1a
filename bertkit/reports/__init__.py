"""What several studies and analyses of one model find, put together: numbers, figures, files."""
