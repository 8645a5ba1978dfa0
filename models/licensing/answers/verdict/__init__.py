"""What an answer comes to in words: the verdict, what it hinges on, the first page."""
