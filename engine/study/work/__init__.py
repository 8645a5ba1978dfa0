"""Where the runs of a study are done: here, in processes, or on a cluster."""
