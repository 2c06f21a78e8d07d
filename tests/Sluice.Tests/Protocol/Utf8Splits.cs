using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

/// <summary>Compares the validator with <see cref="Utf8Reference"/>, however the bytes are split.</summary>
internal static class Utf8Splits
{
    /// <summary>The bytes as one chunk, as two split at every position, and one by one.</summary>
    public static void Check(ReadOnlySpan<byte> bytes)
    {
        var expected = Utf8Reference.Check(bytes);
        for (var split = 0; split <= bytes.Length; split++)
        {
            var validator = default(Utf8Validator);
            var good = validator.TryAppend(bytes[..split]) & validator.TryAppend(bytes[split..]);
            Compare(bytes, $"split at {split}", good, validator, expected);
        }

        var single = default(Utf8Validator);
        var allGood = true;
        for (var i = 0; i < bytes.Length; i++) allGood &= single.TryAppend(bytes.Slice(i, 1));
        Compare(bytes, "byte by byte", allGood, single, expected);
    }

    private static void Compare(
        ReadOnlySpan<byte> bytes, string how, bool good, Utf8Validator validator, (int BadAt, bool Complete) expected)
    {
        var length = expected.BadAt < 0 ? bytes.Length : expected.BadAt;
        var sameEnd = validator.ValidLength == length && validator.IsComplete == expected.Complete;
        if (good == expected.BadAt < 0 && sameEnd) return;
        Assert.Fail(
            $"{Convert.ToHexString(bytes)} {how}: good {good}, valid length {validator.ValidLength}, " +
            $"complete {validator.IsComplete}; expected valid length {length}, complete {expected.Complete}");
    }
}
