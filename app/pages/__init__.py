"""Pages for a person: sign in, see how things stand, connect assistants, disconnect. No script, no health data, no secret."""
