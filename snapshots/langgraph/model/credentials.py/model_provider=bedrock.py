"""The AWS credentials that the model is called with."""

import os

import boto3


class MissingCredentials(Exception):
    """There are no AWS credentials; the message says what to set and is for the log alone."""


def aws_session() -> boto3.Session:
    """Return a session that has a region and credentials."""
    region = os.environ.get("AWS_REGION") or boto3.Session().region_name or "us-east-1"
    session = boto3.Session(region_name=region)
    if session.get_credentials() is None and not os.environ.get("AWS_BEARER_TOKEN_BEDROCK"):
        raise MissingCredentials(
            "No AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
            " or AWS_BEARER_TOKEN_BEDROCK; on AgentCore the role of the runtime is used"
        )
    return session
