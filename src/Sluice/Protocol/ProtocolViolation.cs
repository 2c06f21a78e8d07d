namespace Sluice.Protocol;

/// <summary>
/// What was wrong with bytes that a peer sent: the rule it broke, where the RFC says so, and the close code
/// that answers it. Instances are shared and immutable; compare them by reference.
/// </summary>
public sealed class ProtocolViolation
{
    internal ProtocolViolation(CloseCode closeCode, string message, string section, int rfc = 6455)
    {
        CloseCode = closeCode;
        Message = message;
        Section = section;
        Rfc = rfc;
    }

    /// <summary>The code to put into the close frame: 1002, 1007, 1008 or 1009.</summary>
    public CloseCode CloseCode { get; }

    /// <summary>What was wrong, in words fit for a close reason (at most 123 bytes of ASCII).</summary>
    public string Message { get; }

    /// <summary>The number of the RFC that has the rule: 6455 or 7692.</summary>
    public int Rfc { get; }

    /// <summary>Its section, as <c>§5.2</c>.</summary>
    public string Section { get; }

    /// <summary>One line for a log.</summary>
    public override string ToString() => $"{Message} (RFC {Rfc} {Section}); closing with {(int)CloseCode}";

    // §5.2, the base frame
    internal static readonly ProtocolViolation ReservedBit = Frame("reserved bit set without a negotiated extension", "§5.2");
    internal static readonly ProtocolViolation ReservedOpcode = Frame("reserved opcode", "§5.2");
    internal static readonly ProtocolViolation LengthNotMinimal = Frame("payload length not in its shortest form", "§5.2");
    internal static readonly ProtocolViolation LengthTopBit = Frame("most significant bit of a 64-bit payload length set", "§5.2");

    // §5.1, masking by role
    internal static readonly ProtocolViolation NotMasked = Frame("frame from a client not masked", "§5.1");
    internal static readonly ProtocolViolation Masked = Frame("frame from a server masked", "§5.1");

    // §5.4, fragmentation
    internal static readonly ProtocolViolation NothingToContinue = Frame("continuation frame without a message to continue", "§5.4");
    internal static readonly ProtocolViolation MessageUnfinished = Frame("new message before the last one was finished", "§5.4");

    // §5.5, control frames
    internal static readonly ProtocolViolation ControlFragmented = Frame("control frame fragmented", "§5.5");
    internal static readonly ProtocolViolation ControlTooLong = Frame("control frame with more than 125 bytes", "§5.5");
    internal static readonly ProtocolViolation ClosePayloadOfOneByte = Frame("close frame with one byte of payload", "§5.5.1");
    internal static readonly ProtocolViolation CloseCodeForbidden = Frame("close code that may not be sent", "§7.4");

    // §8.1, UTF-8
    internal static readonly ProtocolViolation CloseReasonNotUtf8 = new(CloseCode.InvalidPayloadData, "close reason not UTF-8", "§8.1");
    internal static readonly ProtocolViolation TextNotUtf8 = new(CloseCode.InvalidPayloadData, "text message not UTF-8", "§8.1");

    // RFC 7692 names no code; the message is not what its first frame says that it is (RFC 6455 §7.4.1).
    internal static readonly ProtocolViolation NotDeflated =
        new(CloseCode.InvalidPayloadData, "compressed message not in DEFLATE format", "§7.2.2", rfc: 7692);

    // §10.4, limits of our own
    internal static readonly ProtocolViolation MessageTooBig = new(CloseCode.MessageTooBig, "message too big", "§10.4");
    internal static readonly ProtocolViolation TooManyFragments = new(CloseCode.PolicyViolation, "too many fragments in a message", "§10.4");

    internal static readonly ProtocolViolation TooManyControlFrames = new(CloseCode.PolicyViolation, "too many pings or pongs", "§10.4");

    private static ProtocolViolation Frame(string message, string section) => new(CloseCode.ProtocolError, message, section);
}
