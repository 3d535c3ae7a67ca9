"""What the web app is told: kept with the change that it tells of, and sent to Svix after it."""
