using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets;

/// <summary>ClosePayload and the close codes: read as §5.5.1, §7.4 and IANA's registry say, and written back the same.</summary>
internal sealed class ClosePayloads : Target
{
    public override string Name => "close";

    public override Gen<byte[]> Inputs => Frames.ClosePayload;

    /// <summary>What may stand in a close frame (§7.4.1, §7.4.2 and IANA's registry).</summary>
    public static bool IsAllowed(int code)
        => code is 1000 or 1001 or 1002 or 1003 or 1007 or 1008 or 1009 or 1010 or 1011 or 1012 or 1013 or 1014 || code / 1000 is 3 or 4;

    public override void Run(byte[] input, Trace trace)
    {
        var violation = ClosePayload.TryRead(input, out var code, out var reason);
        var expected = Expected(input);
        trace.Note(1, expected);
        trace.NoteSize(2, input.Length);
        FuzzFailure.UnlessSame((int?)violation?.CloseCode ?? 0, expected, "the violation of a close payload");
        if (violation is not null) return;

        if (input.Length == 0)
        {
            FuzzFailure.UnlessSame(code, CloseCode.NoStatusReceived, "no code is 1005");
            FuzzFailure.UnlessSame(reason, "", "no reason without a code");
        }
        else
        {
            FuzzFailure.UnlessSame((int)code, (input[0] << 8) | input[1], "the code");
            FuzzFailure.UnlessSameBytes(Encoding.UTF8.GetBytes(reason), input.AsSpan(2), "the reason");
        }
        FuzzFailure.Unless(code == CloseCode.NoStatusReceived || code.MayBeSent(), "what may be received may be sent");
        WriteBack(input, code, reason);
        Fit($"{reason}\udc00{reason}", $"{reason}\ufffd{reason}");
    }

    private static int Expected(byte[] payload)
    {
        if (payload.Length == 0) return 0;
        if (payload.Length == 1) return 1002;
        if (!IsAllowed((payload[0] << 8) | payload[1])) return 1002;
        return ReferenceUtf8.FirstImpossible(payload.AsSpan(2), out var isComplete) < 0 && isComplete ? 0 : 1007;
    }

    private static void WriteBack(byte[] input, CloseCode code, string reason)
    {
        var written = new byte[FrameHeader.MaxControlPayload];
        try
        {
            var length = ClosePayload.Write(written, code, reason);
            FuzzFailure.UnlessSameBytes(written.AsSpan(0, length), input, "a payload is written as it was read");
        }
        catch (ArgumentException) when (input.Length > FrameHeader.MaxControlPayload)
        {
            // Documented: the reason is too long.
        }
    }

    // A lone surrogate becomes U+FFFD.
    private static void Fit(string text, string mended)
    {
        var fit = ClosePayload.Fit(text);
        FuzzFailure.Unless(Encoding.UTF8.GetByteCount(fit) <= ClosePayload.MaxReasonBytes, "what fits is no longer than a reason may be");
        FuzzFailure.Unless(mended.StartsWith(fit, StringComparison.Ordinal), "what fits is the beginning of the text");
        ClosePayload.Write(new byte[FrameHeader.MaxControlPayload], CloseCode.NormalClosure, fit);
    }
}
