"""Who calls, where nobody can know.

Point 4, identity.
"""

import generated  # noqa: F401 - puts the modules of a project on the path
import pytest
from bedrock_agentcore import RequestContext
from invocation import read_caller, read_key
from starlette.exceptions import HTTPException


@pytest.mark.parametrize("read", [read_caller, read_key])
def test_without_a_request_nobody_is_believed(read: object) -> None:
    context = RequestContext(session_id="session", request_headers=None, request=None)
    assert callable(read)
    with pytest.raises(HTTPException) as refused:
        read({"user_id": "alice"}, context)
    assert refused.value.status_code == 400
