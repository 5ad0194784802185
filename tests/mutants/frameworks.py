"""Faults of the models and of what lies between them and the frameworks."""

from mutants.mutant import contract, one

LOAD = "templates/project/model/load.py.jinja"
SETTINGS = "templates/project/model/settings.py.jinja"
CREDENTIALS = "templates/project/model/credentials.py.jinja"
OF = "templates/frameworks"
THOUGHTS = f"{OF}/autogen/model/without_thoughts.jinja"
RESPONSES = f"{OF}/openai/model/openai.py.jinja"
ANY_LLM = f"{OF}/openai/model/bedrock.py.jinja"
LITE_LLM = f"{OF}/adk/model/bedrock.py.jinja"


def setting(test: str, variant: str) -> str:
    """The tests of a setting, for one project."""
    return contract("settings", f"'{test} and {variant}'")


FRAMEWORKS = (
    # what a setting does
    one(
        "AWS_REGION ignored",
        CREDENTIALS,
        'os.environ.get("AWS_REGION") or boto3',
        "boto3",
        setting("its_region", "strands-bedrock-json"),
    ),
    one(
        "the region of the profile ignored",
        CREDENTIALS,
        "or boto3.Session().region_name or",
        "or",
        setting("a_profile and model", "strands-bedrock-json"),
    ),
    one(
        "another region to fall back to",
        CREDENTIALS,
        '"us-east-1"',
        '"us-west-2"',
        setting("none", "langgraph-bedrock-json"),
    ),
    one(
        "a bearer token that is no credential",
        CREDENTIALS,
        'os.environ.get("AWS_BEARER_TOKEN_BEDROCK") or session',
        "session",
        setting("bearer", "strands-bedrock-json"),
    ),
    one(
        "missing credentials found out by the model alone",
        CREDENTIALS,
        "or session.get_credentials():",
        "or True:",
        contract("failures", "'missing_key and strands-bedrock-json'"),
    ),
    one(
        "a profile that is not there taken for a failed turn",
        CREDENTIALS,
        'except BotoCoreError as error:\n        raise MissingCredentials(f"The AWS',
        'except KeyError as error:\n        raise MissingCredentials(f"The AWS',
        setting("not_there", "strands-bedrock-json"),
    ),
    one(
        "MODEL_ID read under another name",
        SETTINGS,
        'os.environ.get("MODEL_ID") or',
        'os.environ.get("MODEL") or',
        setting("identity", "langgraph-openai-json"),
    ),
    one(
        "an empty MODEL_ID taken for a model",
        SETTINGS,
        'os.environ.get("MODEL_ID") or {{ literal(model_id) }}',
        'os.environ.get("MODEL_ID", {{ literal(model_id) }})',
        setting("bearer", "strands-bedrock-json"),
    ),
    one(
        "offline at AGENT_OFFLINE=0",
        SETTINGS,
        'os.environ.get("AGENT_OFFLINE") == "1"',
        'os.environ.get("AGENT_OFFLINE")',
        setting("identity", "adk-gemini-json"),
    ),
    one(
        "AGENTCORE_CREDENTIAL_PROVIDER under another name than in the README",
        CREDENTIALS,
        '_given("AGENTCORE_CREDENTIAL_PROVIDER")',
        '_given("AGENTCORE_IDENTITY_PROVIDER")',
        setting("identity", "adk-gemini-json"),
    ),
    one(
        "AgentCore Identity asked before one's own key",
        CREDENTIALS,
        '        _given("{{ api_key_variable }}")  # what',
        '        _given("AGENTCORE_CREDENTIAL_PROVIDER") or _given("{{ api_key_variable }}")',
        setting("goes_first", "autogen-openai-json"),
    ),
    one(
        "GOOGLE_API_KEY before GEMINI_API_KEY, as in Google's SDK",
        CREDENTIALS,
        '        _given("{{ api_key_variable }}")  # what',
        '        _given("GOOGLE_API_KEY") or _given("{{ api_key_variable }}")  # what',
        setting("googles", "autogen-gemini-json"),
    ),
    one(
        "a key of the AgentCore CLI for whatever it is, taken for the model's",
        CREDENTIALS,
        "if name.startswith(prefix) and name.endswith(suffix)]",
        "if name.startswith(prefix)]",
        setting("agentcore_cli", "autogen-gemini-json"),
    ),
    one(
        "of two keys of the AgentCore CLI, the first taken",
        CREDENTIALS,
        "if len({os.environ[name].strip() for name in given}) > 1:",
        "if False:",
        setting("guessed", "autogen-gemini-json"),
    ),
    one(
        "a refusal of AgentCore Identity taken for a failed turn",
        CREDENTIALS,
        "except (BotoCoreError, ClientError, ValueError)",
        "except (BotoCoreError, ValueError)",
        setting("does_not_know", "autogen-gemini-json"),
    ),
    *(
        one(
            f"a key that {framework} takes from the environment alone ({provider})",
            f"{OF}/{framework}/model/{provider}.py.jinja",
            old,
            new,
            setting("identity", f"{framework}-{provider}-json"),
        )
        for framework, provider, old, new in (
            ("strands", "openai", "AsyncOpenAI(api_key=credentials.api_key())", "AsyncOpenAI()"),
            ("strands", "anthropic", '{"api_key": credentials.api_key()}', "{}"),
            (
                "adk",
                "anthropic",
                "AsyncAnthropic(api_key=credentials.api_key())",
                "AsyncAnthropic()",
            ),
            ("openai", "gemini", "        api_key=credentials.api_key(),\n", ""),
            ("langgraph", "gemini", "        api_key=credentials.api_key(),\n", ""),
            ("autogen", "openai", "        api_key=credentials.api_key(),\n", ""),
        )
    ),
    # what is said to Bedrock
    one(
        "a session of Strands' own for Bedrock",
        f"{OF}/strands/model/bedrock.py.jinja",
        "        boto_session=credentials.aws_session(),\n",
        "",
        setting("none", "strands-bedrock-json"),
    ),
    one(
        "a region that LiteLLM is not told",
        LITE_LLM,
        "        aws_region_name=session.region_name,\n",
        "",
        setting("none", "adk-bedrock-json"),
    ),
    one(
        "tools for the models alone that LiteLLM knows",
        LITE_LLM,
        '        allowed_openai_params=["tools"],',
        "",
        setting("a_profile and model", "adk-bedrock-json"),
    ),
    one(
        "an ARN that LangChain cannot take",
        f"{OF}/langgraph/model/bedrock.py.jinja",
        'provider=parse_model_provider(model_id.rpartition("/")[2]),',
        "",
        setting("a_profile and arn", "langgraph-bedrock-json"),
    ),
    one(
        "a price list that LiteLLM fetches",
        LITE_LLM,
        '    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")\n',
        "",
        contract("pairs", "'recall and adk-bedrock-json'"),
    ),
    one(
        "headers sent to Bedrock that boto3 does not know",
        ANY_LLM,
        '        params.pop("extra_headers", None)\n',
        "",
        contract("pairs", "'recall and openai-bedrock-json'"),
    ),
    one(
        "tool results sent to Bedrock that are no JSON objects",
        ANY_LLM,
        'if not isinstance(part.get("json", {}), dict):',
        "if False:",
        contract("pairs", "'tool and openai-bedrock-json'"),
    ),
    # who waits for whom
    one(
        "a call of Bedrock on the loop of all sessions",
        ANY_LLM,
        "await asyncio.to_thread(self._completion, *args, **kwargs)",
        "self._completion(*args, **kwargs)",
        contract("pairs", "'held and openai-bedrock-json'"),
    ),
    one(
        "Bedrock's stream read on the loop of all sessions",
        ANY_LLM,
        "await asyncio.to_thread(next, stream, None)",
        "next(stream, None)",
        contract("pairs", "'held and openai-bedrock-stream'"),
    ),
    one(
        "as many calls of Bedrock at once as asyncio has threads",
        LOAD,
        "asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CONCURRENT_CALLS))",
        "pass",
        contract("pairs", "'held and langgraph-bedrock-json'"),
    ),
    one(
        "a new client for every call of Gemini",
        f"{OF}/strands/model/gemini.py.jinja",
        "GeminiModel(client=client, model_id=model_id)",
        'GeminiModel(client_args={"api_key": credentials.api_key()}, model_id=model_id)',
        contract("models", "'kept and strands-gemini-json'"),
    ),
    one(
        "a failing Gemini asked once",
        f"{OF}/adk/model/gemini.py.jinja",
        "HttpRetryOptions(attempts=3)",
        "HttpRetryOptions(attempts=1)",
        contract("models", "'again and adk-gemini-json'"),
    ),
    one(
        "a failing Bedrock asked once",
        LOAD,
        '"total_max_attempts": 3',
        '"total_max_attempts": 1',
        contract("models", "'again and strands-bedrock-json'"),
    ),
    one(
        "a failing Gemini asked as often as LangChain likes",
        f"{OF}/langgraph/model/gemini.py.jinja",
        "max_retries=3,",
        "",
        contract("models", "'again and langgraph-gemini-json'"),
    ),
    # what is told
    one(
        "AutoGen's events with their prompts in the log",
        LOAD,
        ".setLevel(logging.WARNING)\n{% endif %}",
        ".setLevel(logging.INFO)\n{% endif %}",
        contract("models", "'log and autogen-openai-json'"),
    ),
    one(
        "LiteLLM's prompts in the log",
        LITE_LLM,
        '    logging.getLogger("LiteLLM").setLevel(logging.WARNING)\n',
        '    logging.getLogger("LiteLLM").setLevel(logging.DEBUG)\n',
        contract("models", "'log and adk-bedrock-json'"),
    ),
    one(
        "LiteLLM's advice printed",
        LITE_LLM,
        "    litellm.suppress_debug_info = True  # it prints advice for every error\n",
        "",
        contract("models", "'log and adk-bedrock-json'"),
    ),
    one(
        "any-llm's warning in the log of every call",
        f"{OF}/openai/model/anthropic.py.jinja",
        "setLevel(logging.ERROR)",
        "setLevel(logging.WARNING)",
        contract("models", "'log and openai-anthropic-json'"),
    ),
    # what is a reply
    one(
        "AutoGen's thoughts streamed as the reply",
        THOUGHTS,
        "if not is_thought(event))",
        "if True)",
        contract("replies", "'thoughts and autogen-anthropic-stream'"),
    ),
    one(
        "AutoGen's thoughts sent back as replies",
        THOUGHTS,
        'if block.type != "thinking"]',
        "if block.type]",
        contract("replies", "'thoughts and autogen-bedrock-json'"),
    ),
    one(
        "a text that OpenAI cuts short taken for an error",
        RESPONSES,
        'response.status = "completed"',
        "pass",
        contract("replies", "'cut and openai-openai-json'"),
    ),
    one(
        "a stream that OpenAI cuts short taken for an error",
        RESPONSES,
        'if event.type == "response.incomplete"',
        'if event.type == "response.cut"',
        contract("replies", "'cut and openai-openai-stream'"),
    ),
    one(
        "a tool call of Gemini without its signature",
        f"{OF}/autogen/model/gemini.py.jinja",
        'call["extra_content"] = signature',
        "pass",
        contract("pairs", "'tool and autogen-gemini-json'"),
    ),
)
