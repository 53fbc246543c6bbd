"""GitHub's side: what is asked of its REST API, and what is sent there.

``api`` asks and retries, ``client`` says what can be asked of one repository, ``records`` what comes back. Nothing is
sent twice: what may have arrived is looked up before it is repeated.
"""
