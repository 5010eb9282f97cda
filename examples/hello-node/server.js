const express = require("express");

const app = express();
app.get("/", (request, response) => {
  response.type("text/plain").send(`Hello from Slipyard\n${process.env.SOURCE_VERSION ?? "unknown"}\n`);
});

const server = app.listen(process.env.PORT ?? 3000);
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
