"""Which model answers."""

import os

from model import credentials

#if tracing
#if bedrock
PROVIDER = "aws.bedrock"  # as OpenTelemetry calls it
#elif anthropic
PROVIDER = "anthropic"  # as OpenTelemetry calls it
#elif model_provider=openai
PROVIDER = "openai"  # as OpenTelemetry calls it
#elif gemini
PROVIDER = "gcp.gemini"  # as OpenTelemetry calls it
#end

#end

def is_offline() -> bool:
    """Whether it is the offline model."""
    return os.environ.get("AGENT_OFFLINE") == "1"


def model_id() -> str:
#if bedrock
    """Return the id of the model of Amazon Bedrock: that of MODEL_ID, else the default."""
    return os.environ.get("MODEL_ID") or "global.anthropic.claude-sonnet-4-6"
#elif anthropic
    """Return the id of the model of Anthropic: that of MODEL_ID, else the default."""
    return os.environ.get("MODEL_ID") or "claude-sonnet-5-5"
#elif model_provider=openai
    """Return the id of the model of OpenAI: that of MODEL_ID, else the default."""
    return os.environ.get("MODEL_ID") or "gpt-6.1-sol"
#elif gemini
    """Return the id of the model of Google Gemini: that of MODEL_ID, else the default."""
    return os.environ.get("MODEL_ID") or "gemini-3.8-flash"
#end


def described() -> str:
    """Say which model answers, and where its credentials come from, without asking for them."""
    if is_offline():
        return "the offline model (AGENT_OFFLINE=1)"
#if bedrock
    return f"{model_id()} of Amazon Bedrock ({credentials.origin()})"
#elif anthropic
    return f"{model_id()} of Anthropic ({credentials.origin()})"
#elif model_provider=openai
    return f"{model_id()} of OpenAI ({credentials.origin()})"
#elif gemini
    return f"{model_id()} of Google Gemini ({credentials.origin()})"
#end
