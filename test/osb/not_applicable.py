"""Rules that ask nothing of this broker, and why. A rule may stand here and still have checks: those must hold."""
NEVER = {
    "AUT-03": "HTTP Basic is the only mechanism; other headers are refused (AUT-01)",
    "ASY-08": "provisions, updates and deprovisions always run on, so accepts_incomplete is never ignored",
    "ASY-09": "all plans are asynchronous alike",
    "BLK-05": "binds do not hinder each other (BLK-06)",
    "BND-05": "no plan needs an app; binds without one are served (BND-04)",
    "BND-10": "binds end within the request, so accepts_incomplete is optional (KSC-03)",
    "BND-11": "binds do not hinder each other (BLK-06)",
    "DEP-03": "deprovisions always run on",
    "ORP-02": "the broker deletes nothing that a platform did not ask it to",
    "PRV-10": "provisions always run on",
    "UNB-06": "unbinds end within the request, so accepts_incomplete is optional",
}
