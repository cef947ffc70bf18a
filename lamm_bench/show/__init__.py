"""What people look at: tables and progress, the leaderboard, the report."""
