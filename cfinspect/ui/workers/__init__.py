"""What runs beside the window: jobs, the desks that read and write projects, image loading."""
