using System.Globalization;
using System.Text;

namespace Sluice;

/// <summary>How a connection ended: the outcome to look at instead of an exception. Immutable.</summary>
public sealed record CloseResult
{
    internal CloseResult(CloseCode code, string reason, bool byPeer, bool wasClean, Exception? error = null)
    {
        Code = code;
        Reason = reason;
        ByPeer = byPeer;
        WasClean = wasClean;
        Error = error;
    }

    /// <summary>
    /// The peer's close code when its close frame came (1005 when the frame had none); else the code that this side
    /// closed with; 1006 when the connection ended without a close frame (RFC 6455 §7.1.5).
    /// </summary>
    public CloseCode Code { get; }

    /// <summary>The close reason that goes with the code, or what happened in words. Not null.</summary>
    public string Reason { get; }

    /// <summary>Whether the peer closed first, or cut the connection. <see langword="false"/> when this side gave it up,
    /// because the peer was silent, did not read, or did not answer a close frame.</summary>
    public bool ByPeer { get; }

    /// <summary>Whether close frames went both ways (RFC 6455 §7.1.4).</summary>
    public bool WasClean { get; }

    /// <summary>What the transport reported, when it failed.</summary>
    public Exception? Error { get; }

    /// <summary>Whether the code is one of these: what gorilla calls <c>IsCloseError</c>.</summary>
    public bool Is(params ReadOnlySpan<CloseCode> codes) => codes.Contains(Code);

    /// <summary>Whether the code is none of these: what gorilla calls <c>IsUnexpectedCloseError</c>.</summary>
    public bool IsUnexpected(params ReadOnlySpan<CloseCode> expected) => !expected.Contains(Code);

    /// <summary>One line for a log; what in the reason would break a line, or a terminal, is escaped.</summary>
    public override string ToString()
    {
        var who = ByPeer ? "by the peer" : "by this side";
        return Reason.Length == 0 ? $"closed {who} with {(int)Code}" : $"closed {who} with {(int)Code}: {OneLine(Reason)}";
    }

    // The reason is the peer's to choose.
    private static string OneLine(string reason)
    {
        var text = new StringBuilder(reason.Length);
        foreach (var c in reason)
        {
            var isShown = char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            if (isShown) text.Append(c);
            else text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }
        return text.ToString();
    }
}

/// <summary>The connection was closed, so what was asked of it can't be done. Receiving never throws this: it returns the close.</summary>
public sealed class WebSocketClosedException : IOException
{
    internal WebSocketClosedException(CloseResult? result)
        : base(result is null ? "the WebSocket is closing: nothing can be sent any more" : $"the WebSocket is closed: {result}", result?.Error)
        => Result = result;

    /// <summary>How the connection ended; <see langword="null"/> while the closing handshake is still under way.</summary>
    public CloseResult? Result { get; }
}
