using System.Text;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets.Connections;

/// <summary>Compares what happened with what the reference allows.</summary>
internal sealed class Verdict(Role role, int maxMessage, int maxFragments, byte[] fed, byte[] output, Facts facts)
{
    // Passed-over messages are not looked at, so their text may be anything.
    private readonly ReferenceConversation _strict = ReferenceConversation.Of(fed, role == Role.Server, maxMessage, maxFragments);
    private readonly ReferenceConversation _lenient = ReferenceConversation.Of(fed, role == Role.Server, maxMessage, maxFragments, checkText: false);

    public void Judge(CloseResult result, Receiving receiving, Sending sending)
    {
        JudgeResult(result);
        JudgeReceived(receiving);
        var frames = JudgeOutput();
        JudgeClose(frames);
        JudgePongs(frames);
        JudgeSent(frames, sending);
    }

    private void JudgeResult(CloseResult result)
    {
        if (facts.Aborted && result is { Code: CloseCode.AbnormalClosure, ByPeer: false }) return;
        if (facts.HandlerThrew && result is { Code: CloseCode.InternalError, WasClean: false }) return;
        if (IsOutcome(result, _strict.Outcome)) return;
        var passedOver = facts.ClosedHere || facts.HandlerThrew || facts.Aborted || facts.PassedOver;
        if (passedOver && IsOutcome(result, _lenient.Outcome)) return;
        throw new FuzzFailure("the close result is the reference's", $"{result} (clean: {result.WasClean}), not {_strict.Outcome.End} {_strict.Outcome.Code}");
    }

    private static bool IsOutcome(CloseResult result, ReferenceOutcome outcome)
    {
        if ((int)result.Code != outcome.Code || result.WasClean != (outcome.End == ReferenceEnd.Closed)) return false;
        return outcome.End != ReferenceEnd.Closed || Encoding.UTF8.GetBytes(result.Reason).AsSpan().SequenceEqual(outcome.Reason);
    }

    private void JudgeReceived(Receiving receiving)
    {
        var expected = facts.IsPlain ? _strict : _lenient;
        var received = receiving.Received;
        for (var i = 0; i < received.Count; i++)
        {
            var (message, isWhole) = received[i];
            var isLast = i == received.Count - 1;
            if (i >= expected.Messages.Count)
            {
                // The one that was cut off by the end may have been read in part.
                FuzzFailure.Unless(isLast && i == expected.Messages.Count && !isWhole, "no message comes that was not sent");
                FuzzFailure.Unless(_lenient.Messages.Count > i
                    ? _lenient.Messages[i].Payload.AsSpan().StartsWith(message.Payload)
                    : _lenient.Unfinished.ToArray().AsSpan().StartsWith(message.Payload), "what was read of a message is its beginning");
                return;
            }
            var sent = expected.Messages[i];
            FuzzFailure.UnlessSame(message.IsText, sent.IsText, "text or binary");
            if (isWhole) FuzzFailure.UnlessSameBytes(message.Payload, sent.Payload, "a message comes as it was sent");
            else FuzzFailure.Unless(sent.Payload.AsSpan().StartsWith(message.Payload), "what was read of a message is its beginning");
        }
        if (facts.IsPlain && !(received is [.., (_, false)] && received.Count > expected.Messages.Count))
        {
            FuzzFailure.UnlessSame(received.Count, expected.Messages.Count, "every message comes");
        }
    }

    private List<ReferenceFrame> JudgeOutput()
    {
        var parsed = ReferenceParser.Parse(output, masked: role == Role.Client);
        FuzzFailure.UnlessSame(parsed.BrokenAt, null, "what is sent keeps to §5");
        var frames = parsed.Frames;
        var isCut = frames.Count == 0 ? output.Length > 0 : !frames[^1].IsWhole || frames[^1].End != output.Length;
        if (isCut) FuzzFailure.Unless(facts.Aborted || facts.OutputLost, "what is sent ends with a whole frame");
        var close = frames.FindIndex(frame => frame.First == 0x88);
        if (close >= 0) FuzzFailure.UnlessSame(close, frames.Count - 1, "a close frame is the last frame");
        return frames;
    }

    private void JudgeClose(List<ReferenceFrame> frames)
    {
        var close = frames is [.., { First: 0x88, IsWhole: true } last] ? last.Payload : null;
        if (close is { Length: 1 }) throw new FuzzFailure("a close frame has a code or nothing");
        if (close is { Length: > 1 }) FuzzFailure.Unless(ClosePayloads.IsAllowed((close[0] << 8) | close[1]), "a close code that may be sent");
        if (!facts.IsPlain) return;
        var code = close is null ? 0 : close.Length == 0 ? 1005 : (close[0] << 8) | close[1];
        FuzzFailure.UnlessSame(code, _strict.Outcome.End == ReferenceEnd.Vanished ? 0 : _strict.Outcome.Code, "the close frame that is sent");
    }

    private void JudgePongs(List<ReferenceFrame> frames)
    {
        var pongs = frames.Where(frame => frame.First == 0x8A && frame.IsWhole).Select(frame => frame.Payload).ToList();
        var at = 0;
        foreach (var pong in pongs)
        {
            while (at < _lenient.Pings.Count && !_lenient.Pings[at].AsSpan().SequenceEqual(pong)) at++;
            FuzzFailure.Unless(at++ < _lenient.Pings.Count, "a pong answers a ping, in order");
        }
        if (facts.IsPlain && !facts.HasWindow) FuzzFailure.UnlessSame(pongs.Count, _strict.Pings.Count, "every ping is answered");
    }

    private void JudgeSent(List<ReferenceFrame> frames, Sending sending)
    {
        var messages = new List<byte[]>();
        List<byte>? message = null;
        foreach (var frame in frames.Where(frame => !frame.IsControl && frame.IsWhole))
        {
            if ((frame.First & 15) != 0) message = [];
            message!.AddRange(frame.Payload);
            if (frame.First >= 0x80) messages.Add([.. message]);
        }
        var at = 0;
        foreach (var sent in sending.Tried)
        {
            var isThere = at < messages.Count && messages[at].AsSpan().SequenceEqual(sent.Payload);
            if (isThere) FuzzFailure.Unless(sent.Outcome != Sending.Outcome.Refused, "what was refused is not sent");
            else if (!facts.Aborted && !facts.OutputLost) FuzzFailure.Unless(sent.Outcome != Sending.Outcome.Sent, "what was sent has left");
            if (isThere) at++;
        }
        FuzzFailure.UnlessSame(at, messages.Count, "nothing leaves that was not sent, and all in order");
    }
}
