namespace Sluice;

/// <summary>
/// A client could not open a WebSocket. The message says on one line what happened and what to do; what it quotes of the
/// server's words is short and escaped. What the server answered, if it did, stands beside it as it came.
/// </summary>
public sealed class HandshakeException : IOException
{
    private static readonly Dictionary<string, IReadOnlyList<string>> NoHeaders = [];

    internal HandshakeException(ConnectFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    /// <summary>Why, as one of a few kinds.</summary>
    public ConnectFailure Failure { get; }

    /// <summary>The message without the words of the body, for those who show that themselves.</summary>
    public string Summary { get => field ?? Message; internal init; } = null!;

    /// <summary>The HTTP status of the server's answer; <see langword="null"/> when none came.</summary>
    public int? Status { get; internal init; }

    /// <summary>The reason phrase beside the status, as it came; <see langword="null"/> when no answer came.</summary>
    public string? Reason { get; internal init; }

    /// <summary>The headers of the answer, as they came: name, ASCII case aside, to values. Empty when no answer came.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Headers { get; internal init; } = NoHeaders;

    /// <summary>The body of the answer, or as much of it as came within <see cref="WebSocketClientOptions.MaxRefusalBody"/>
    /// and two seconds.</summary>
    public ReadOnlyMemory<byte> Body { get; internal init; }
}
