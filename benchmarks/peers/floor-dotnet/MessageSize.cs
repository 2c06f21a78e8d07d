namespace Sluice.Bench.Floor;

/// <summary>How many bytes a message has on its way in and on its way out.</summary>
internal readonly record struct MessageSize(uint In, uint Out)
{
    public long OutOf(long bytesIn) => bytesIn / In * Out + Math.Min(bytesIn % In, Out);
}
