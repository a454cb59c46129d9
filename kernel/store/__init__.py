"""Everything that is kept: runs, replies, outcomes, pictures. One writing connection, one thread, upserts under content keys."""
