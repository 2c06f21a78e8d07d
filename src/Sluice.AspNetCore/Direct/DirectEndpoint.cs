using Microsoft.AspNetCore.Http;

namespace Sluice.AspNetCore.Direct;

/// <summary>What an endpoint that can do without HTTP has among its metadata.</summary>
/// <param name="Endpoint">Opens and ends its connections.</param>
/// <param name="Run">Runs a connection; or, when there is none:</param>
/// <param name="Choose">chooses the handler by the request.</param>
/// <param name="Http">The endpoint's request delegate. Where a convention has put another in its place, HTTP must be asked.</param>
internal sealed record DirectEndpoint(
    WebSocketEndpoint Endpoint, Func<WebSocketConnection, Task>? Run, Func<WebSocketRequest, Func<WebSocketConnection, Task>>? Choose, RequestDelegate Http);
