"""Small parts that several pages share: theme, icons, words, layouts."""
