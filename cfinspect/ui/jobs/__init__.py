"""Work beside the window: jobs, threads with a connection, pictures read ahead."""
