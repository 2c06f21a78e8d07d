using Microsoft.AspNetCore.Http;
using Sluice.Cli.Options;

namespace Sluice.Cli.Serve;

/// <summary>What a client of <c>/push</c> asks for in its query, within bounds.</summary>
internal sealed record PushRequest(TimeSpan Every, string Message)
{
    private const int MaxMessageLength = 4096;

    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Most = TimeSpan.FromHours(1);

    public static PushRequest? TryRead(IQueryCollection query, out string error)
    {
        error = "";
        var every = TimeSpan.FromSeconds(3);
        if (query.TryGetValue("every", out var text) && (!Duration.TryParse(text.ToString(), out every) || every < Least || every > Most))
        {
            error = $"every must be a time from {Duration.Format(Least)} to {Duration.Format(Most)}, as 500ms or 3s";
            return null;
        }
        var message = query.TryGetValue("message", out var given) ? given.ToString() : "heart beat";
        if (message.Length <= MaxMessageLength) return new PushRequest(every, message);
        error = $"message may have {MaxMessageLength} characters";
        return null;
    }
}
