namespace Sluice.Cli.Connect;

/// <summary>What <c>sluice connect</c> shall do, as the command line says.</summary>
internal sealed record ConnectSettings
{
    public required Uri Url { get; init; }

    public required WebSocketClientOptions Client { get; init; }

    /// <summary>What the messages that are sent are.</summary>
    public required MessageType Type { get; init; }

    /// <summary>The interval of <c>--every</c>; <see langword="null"/> to send the lines of stdin.</summary>
    public TimeSpan? Every { get; init; }

    /// <summary>What to send at every interval; <see langword="null"/> for the time.</summary>
    public string? Message { get; init; }

    /// <summary>How many to send at intervals; <see langword="null"/> for no end.</summary>
    public int? Count { get; init; }

    /// <summary>Close after so many messages received; <see langword="null"/> for no end.</summary>
    public int? CloseAfter { get; init; }

    /// <summary>How long nothing must have come, once there is nothing more to send, until the connection is closed.</summary>
    public TimeSpan Linger { get; init; }

    /// <summary>Send back what comes, instead of printing it.</summary>
    public bool Echo { get; init; }

    /// <summary>How many connections one after the other; <see langword="null"/> for a single one.</summary>
    public int? Repeat { get; init; }

    /// <summary>When to connect again; <see langword="null"/> for never.</summary>
    public ReconnectOptions? Reconnect { get; init; }

    /// <summary>What to send first over each connection.</summary>
    public IReadOnlyList<string> First { get; init; } = [];

    /// <summary>Tell everything as lines of JSON on stdout.</summary>
    public bool Json { get; init; }

    /// <summary>The URL as it may be shown: its query may hold a secret.</summary>
    public string ShownUrl => Url.GetLeftPart(UriPartial.Path);
}
