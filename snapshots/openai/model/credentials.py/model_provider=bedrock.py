"""The AWS credentials that the model is called with."""

import os

import boto3
from botocore.exceptions import BotoCoreError


class MissingCredentials(Exception):
    """There are no AWS credentials; the message says what to set and is for the log alone."""


def aws_session() -> boto3.Session:
    """Return a session that has a region and credentials."""
    try:
        region = os.environ.get("AWS_REGION") or boto3.Session().region_name or "us-east-1"
        session = boto3.Session(region_name=region)
        if os.environ.get("AWS_BEARER_TOKEN_BEDROCK") or session.get_credentials():
            return session
    except BotoCoreError as error:
        raise MissingCredentials(f"The AWS credentials cannot be read: {error}") from error
    raise MissingCredentials(
        "No AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
        " or AWS_BEARER_TOKEN_BEDROCK; on AgentCore the role of the runtime is used"
    )
