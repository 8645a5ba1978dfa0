"""Charts as SVG and as pages that open without a network; they need the extra ``charts``."""
