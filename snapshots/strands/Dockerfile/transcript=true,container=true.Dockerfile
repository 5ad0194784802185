# AgentCore runs Arm machines; elsewhere this builds by emulation.
FROM --platform=linux/arm64 python:3.13-slim

# The runtime listens on all addresses when it is told that it runs in a container.
ENV DOCKER_CONTAINER=1 \
    PORT=8080 \
    PYTHONUNBUFFERED=1

WORKDIR /app
COPY pyproject.toml README.md ./
RUN pip install --no-cache-dir '.[postgresql]'
COPY . .
RUN python -m compileall -q . && useradd --uid 1000 agent

USER agent
EXPOSE 8080
HEALTHCHECK --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/ping')"]
CMD ["python", "main.py"]
