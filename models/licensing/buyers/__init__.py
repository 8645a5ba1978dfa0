"""The buyers: their market as a linear program, built once and evaluated hot."""
