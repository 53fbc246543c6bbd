"""What workflows call: the variables of a job, the matrix narrowed by a change, keys of caches, the workflows
themselves."""
