using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets;

/// <summary>FrameWriter and Masking: what is written, into buffers of any size, is what the reference reads back.</summary>
internal sealed class FrameWriting : Target
{
    public override string Name => "frame-writing";

    public override Gen<byte[]> Inputs => Bytes.Repeat(
        from first in Bytes.Any
        from room in Bytes.Any
        from key in Bytes.Exactly(4)
        from payload in Gen.Frequency(
            (300, Bytes.Noise),
            (150, Gen.Choose(120, 131).SelectMany(Bytes.Exactly)),
            (20, Gen.Elements(1023, 1024, 1025, 4096).SelectMany(Bytes.Exactly)),
            (1, Gen.Elements(65535, 65536, 65537).Select(length => new byte[length])))
        select (byte[])[first, room, .. key, .. Bytes.AsBlock(payload.Length > 65535 ? payload[..65535] : payload)]);

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var written = new List<(byte First, byte[]? Key, byte[] Payload)>();
        var output = new PatchyWriter();
        while (!reader.IsAtEnd)
        {
            var first = reader.Byte();
            output.Room = reader.Byte();
            var key = reader.Bytes(4);
            var payload = reader.Block();
            if (key.Length < 4 || (first & 1) != 0) key = null;
            var before = payload.ToArray();
            FrameWriter.Write(
                output, (Opcode)(first & 15), payload, key is null ? null : BitConverter.ToUInt32(key), first >= 128, (ReservedBits)(first & 0x70));
            FuzzFailure.UnlessSameBytes(payload, before, "the caller's payload stays as it is");
            written.Add((first, key, payload));
            trace.NoteSize(key is null ? 1 : 2, payload.Length);
            trace.NoteSize(3, output.Room);
        }
        Compare(output.Written, written);
    }

    private static void Compare(byte[] bytes, List<(byte First, byte[]? Key, byte[] Payload)> written)
    {
        var read = ReferenceParser.Parse(bytes, masked: false, rules: false);
        FuzzFailure.UnlessSame(read.Frames.Count, written.Count, "as many frames as were written");
        for (var i = 0; i < written.Count; i++)
        {
            var frame = read.Frames[i];
            FuzzFailure.UnlessSame(frame.First, written[i].First, "first byte as written");
            FuzzFailure.UnlessSameBytes(frame.Key, written[i].Key ?? [], "masking key as written");
            FuzzFailure.UnlessSameBytes(frame.Payload, written[i].Payload, "payload as written");
            FuzzFailure.Unless(frame.IsWhole, "a frame is written whole");
            var start = i == 0 ? 0 : read.Frames[i - 1].End;
            var shortest = 2 + (frame.Length < 126 ? 0 : frame.Length < 65536 ? 2 : 8) + (frame.Key is null ? 0 : 4);
            FuzzFailure.UnlessSame(frame.End - start - frame.Length, shortest, "the shortest header (§5.2)");
        }
    }

    /// <summary>Gives no more room than it must, so that payloads are written in pieces.</summary>
    private sealed class PatchyWriter : IBufferWriter<byte>
    {
        private readonly List<byte> _written = [];
        private byte[] _lent = [];

        public int Room { get; set; }

        public byte[] Written => [.. _written];

        public void Advance(int count)
        {
            FuzzFailure.Unless(count >= 0 && count <= _lent.Length, "no more is written than was lent");
            _written.AddRange(_lent.AsSpan(0, count));
            _lent = [];
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => _lent = new byte[Math.Max(Math.Max(1, sizeHint), Room)];

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
