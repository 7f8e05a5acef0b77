// The way to the sandbox: a feed of changes, and what people do. The feed comes back by itself when it is lost.

const LONGEST_WAIT_MS = 4000;

export function follow(onChange, onConnection) {
  let waitMs = 250;
  const connect = () => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/sandbox/feed`);
    socket.addEventListener("message", (event) => {
      waitMs = 250;
      onConnection(true);
      onChange(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      onConnection(false);
      setTimeout(connect, waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    });
  };
  connect();
}

// Answers {ok, error, …}; never throws.
export async function post(action, body = {}) {
  try {
    const response = await fetch(`/sandbox/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return await response.json();
  } catch {
    return { ok: false, error: "The sandbox does not answer. Is it still running?" };
  }
}
