namespace Sluice.Fuzz.Reference;

/// <summary>What a peer's bytes end with.</summary>
internal enum ReferenceEnd
{
    /// <summary>No more bytes, without a close frame.</summary>
    Vanished,

    /// <summary>A close frame in order.</summary>
    Closed,

    /// <summary>A broken rule.</summary>
    Failed,
}

/// <param name="IsText">Text, or binary.</param>
/// <param name="Payload">All of it.</param>
/// <param name="EndsEmpty">Whether its last frame was empty.</param>
internal sealed record ReferenceMessage(bool IsText, byte[] Payload, bool EndsEmpty = false);

/// <summary>How a receiver must end, as RFC 6455 has it.</summary>
/// <param name="End">In which way.</param>
/// <param name="Code">The close code: the peer's, 1005 when it sent none, 1006 without a close frame, ours for a violation.</param>
/// <param name="Reason">The peer's reason, in bytes.</param>
internal sealed record ReferenceOutcome(ReferenceEnd End, int Code, byte[] Reason);

/// <summary>
/// What a receiver must make of all bytes that its peer sends: the messages, the pings, the end. RFC 6455 §5 to §8
/// and the two limits of a connection, without regard to when anything is received.
/// </summary>
internal sealed class ReferenceConversation
{
    private readonly long _maxMessage;
    private readonly int _maxFragments;
    private readonly bool _checkText;
    private List<byte> _message = [];
    private bool _isText;
    private long _announced;
    private int _fragments;

    private ReferenceConversation(long maxMessage, int maxFragments, bool checkText)
    {
        _maxMessage = maxMessage;
        _maxFragments = maxFragments;
        _checkText = checkText;
    }

    public List<ReferenceMessage> Messages { get; } = [];

    public List<byte[]> Pings { get; } = [];

    /// <summary>What had come of the message under way at the end.</summary>
    public List<byte> Unfinished => _message;

    /// <summary>The data frame looked at last.</summary>
    public ReferenceFrame? LastData { get; private set; }

    public ReferenceOutcome Outcome { get; private set; } = new(ReferenceEnd.Vanished, 1006, []);

    /// <param name="stream">Everything that the peer sends.</param>
    /// <param name="masked">Whether the peer is a client.</param>
    /// <param name="maxMessage">The most bytes of a message.</param>
    /// <param name="maxFragments">The most fragments of a message.</param>
    /// <param name="checkText">Whether text must be UTF-8; messages that are passed over are not looked at.</param>
    public static ReferenceConversation Of(ReadOnlySpan<byte> stream, bool masked, long maxMessage, int maxFragments, bool checkText = true)
    {
        var conversation = new ReferenceConversation(maxMessage, maxFragments, checkText);
        var parsed = ReferenceParser.Parse(stream, masked);
        foreach (var frame in parsed.Frames)
        {
            conversation.Outcome = frame.IsControl ? conversation.TakeControl(frame) : conversation.TakeData(frame);
            if (conversation.Outcome.End != ReferenceEnd.Vanished) return conversation;
        }
        if (parsed.BrokenAt is not null) conversation.Outcome = Failed(1002);
        return conversation;
    }

    private ReferenceOutcome TakeControl(ReferenceFrame frame)
    {
        var goesOn = new ReferenceOutcome(ReferenceEnd.Vanished, 1006, []);
        if (!frame.IsWhole) return goesOn;
        var opcode = frame.First & 15;
        if (opcode == 9) Pings.Add(frame.Payload);
        if (opcode != 8) return goesOn;
        if (frame.Payload.Length == 0) return new(ReferenceEnd.Closed, 1005, []);
        if (frame.Payload.Length == 1) return Failed(1002);
        var code = (frame.Payload[0] << 8) | frame.Payload[1];
        if (!Targets.ClosePayloads.IsAllowed(code)) return Failed(1002);
        var reason = frame.Payload[2..];
        return ReferenceUtf8.FirstImpossible(reason, out var isComplete) < 0 && isComplete ? new(ReferenceEnd.Closed, code, reason) : Failed(1007);
    }

    private ReferenceOutcome TakeData(ReferenceFrame frame)
    {
        if ((frame.First & 15) != 0)
        {
            _isText = (frame.First & 15) == 1;
            _message = [];
            _announced = 0;
            _fragments = 0;
        }
        if (frame.Length > _maxMessage - _announced) return Failed(1009);
        LastData = frame;
        _announced += frame.Length;
        if (++_fragments > _maxFragments) return Failed(1008);
        _message.AddRange(frame.Payload);
        var isComplete = true;
        if (_isText && _checkText && ReferenceUtf8.FirstImpossible(_message.ToArray(), out isComplete) >= 0) return Failed(1007);
        if ((frame.First & 0x80) != 0 && frame.IsWhole)
        {
            if (!isComplete) return Failed(1007);
            Messages.Add(new(_isText, [.. _message], frame.Length == 0));
            _message = [];
        }
        return new(ReferenceEnd.Vanished, 1006, []);
    }

    private static ReferenceOutcome Failed(int code) => new(ReferenceEnd.Failed, code, []);
}
