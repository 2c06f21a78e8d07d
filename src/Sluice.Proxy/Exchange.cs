using System.Net.Http;
using Microsoft.AspNetCore.Http;

namespace Sluice.Proxy;

/// <summary>A client's request and where it goes.</summary>
/// <param name="Context">The client's side.</param>
/// <param name="Path">The path as it came, visible ASCII; for the log.</param>
/// <param name="Url">The backend's URL for it.</param>
/// <param name="Host">The <c>Host</c> that the backend sees.</param>
internal sealed record Exchange(HttpContext Context, string Path, Uri Url, string Host)
{
    public string Method => Context.Request.Method;

    public HttpRequestMessage CreateRequest(string method, HttpContent? content, Func<HttpContent> emptyContent) =>
        BackendRequest.Create(Context.Request, method, Url, Host, content, emptyContent);
}

/// <summary>The client's connection ended amid its request.</summary>
internal sealed class ClientGoneException(Exception inner) : Exception(inner.Message, inner);

/// <summary>The backend failed before a response could be started.</summary>
internal sealed class FailedException(Failure failure, Exception? inner = null) : Exception(failure.Detail, inner)
{
    public Failure Failure { get; } = failure;
}
