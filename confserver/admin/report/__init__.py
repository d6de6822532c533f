"""A meeting as people read it: a page (HTML), a text (Markdown) and a picture of who spoke when (SVG).

::

    GET /meetings/7 (or the store's own row) -> facts.meeting_of -> timeline.picture --+
                                                              |---> page.page  <-------+
                                                              |---> text.text

Pure: the same meeting gives the same page. Times are told in the zone that is handed in, None for that of this machine.
"""

from confserver.admin.report.facts import Meeting as Meeting
from confserver.admin.report.facts import meeting_of as meeting_of
from confserver.admin.report.page import page as page
from confserver.admin.report.text import text as text
from confserver.admin.report.timeline import picture as picture
