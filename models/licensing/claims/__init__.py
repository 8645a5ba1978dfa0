"""Claims of a published text audited from outside: recomputed by arithmetic or by the model, and judged."""
