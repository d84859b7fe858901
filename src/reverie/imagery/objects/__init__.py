"""Objects: physical things that stand for a concept, from several sources, filtered, ranked and told apart."""
