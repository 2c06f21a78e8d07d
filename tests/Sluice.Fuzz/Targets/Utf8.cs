using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets;

/// <summary>Utf8Validator: agrees with the reference and with the BCL's strict decoder, however the text is cut.</summary>
internal sealed class Utf8 : Target
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public override string Name => "utf8";

    public override Gen<byte[]> Inputs => Bytes.Sequence(Bytes.Chunks, Gen.OneOf(Utf8Text.Near, Utf8Text.Long, Bytes.Noise));

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var chunks = reader.Chunks();
        var text = reader.Rest();
        var bad = ReferenceUtf8.FirstImpossible(text, out var isComplete);

        var valid = IsValid(text);
        FuzzFailure.UnlessSame(bad < 0 && isComplete, valid, "the reference agrees with the BCL");
        trace.Note(1, bad < 0 ? (isComplete ? 1 : 2) : 3 + text[bad]);

        Check(text, chunks, bad, isComplete);
        Check(text, new Chunks([]), bad, isComplete);
        Check(text, new Chunks([0]), bad, isComplete);
    }

    private static void Check(byte[] text, Chunks chunks, int bad, bool isComplete)
    {
        var validator = default(Utf8Validator);
        for (var at = 0; at < text.Length;)
        {
            var chunk = text.AsSpan(at, chunks.Next(text.Length - at)).ToArray();
            var fails = bad >= 0 && bad < at + chunk.Length;
            FuzzFailure.UnlessSame(validator.TryAppend(chunk), !fails, "a chunk is refused when it holds the first impossible byte");
            FuzzFailure.UnlessSame(validator.ValidLength, fails ? bad : at + chunk.Length, "the place of the first impossible byte");
            if (fails)
            {
                FuzzFailure.Unless(!validator.TryAppend("a"u8) && !validator.TryAppend([]) && !validator.IsComplete, "a failure stays");
                validator.Reset();
                FuzzFailure.Unless(validator.TryAppend("a"u8) && validator.IsComplete, "a reset forgets a failure");
                return;
            }
            at += chunk.Length;
        }
        FuzzFailure.UnlessSame(validator.IsComplete, isComplete, "a text may end here");
    }

    private static bool IsValid(byte[] text)
    {
        try
        {
            Strict.GetCharCount(text);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
