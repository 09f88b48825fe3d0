"""The five programs. Each owns one stream and one database schema; they meet only in `shared.events`."""
