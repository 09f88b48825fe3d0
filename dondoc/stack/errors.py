"""What can be wrong with a stack, each as one line that says what to do."""


class StackError(Exception):
    """The stack cannot be started, stopped or asked; the message is one line for the operator."""
