"""ChatOps: what happened is told to chats and other services, and a chat may ask for what a pull request may ask for.

Outgoing: ``notices`` finds in the status log what there is to tell, ``messages`` puts it in words that can do nothing
where they arrive, ``delivery`` posts one message, ``notify`` sees to it that each is sent once. Incoming:
``signatures`` says whether a request is from the chat, ``asks`` what is asked in it, ``worker`` carries it out, one at
a time, by the table of slash commands, and ``server`` is the application in front.
"""
