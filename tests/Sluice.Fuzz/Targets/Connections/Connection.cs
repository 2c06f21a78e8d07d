using FsCheck;
using FsCheck.Fluent;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;

namespace Sluice.Fuzz.Targets.Connections;

/// <summary>
/// A WebSocketConnection over in-memory pipes, in both roles. The input gives its limits, what the peer sends and in
/// which pieces, and the calls between them. Whatever comes: everything ends once the transport ends, with no clock
/// running; the outcome is the reference's; what was sent is well-formed; messages are what they were.
/// </summary>
internal sealed class Connection : Target
{
    public override string Name => "connection";

    public override Gen<byte[]> Inputs
        => from settings in Bytes.Exactly(3)
           from steps in Gen.Choose(0, 14).SelectMany(count => Step((settings[0] & 1) == 0).ArrayOf(count))
           select (byte[])[.. settings, .. steps.SelectMany(step => step)];

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var play = new Play(reader.Byte(), reader.Byte(), reader.Byte(), trace);
        while (!reader.IsAtEnd) play.Step(reader);
        play.End();
    }

    private static Gen<byte[]> Step(bool masked) => Gen.Frequency(
        (10, from content in Gen.Frequency(
                (8, Frames.Message(masked)), (6, Frames.Good(masked)), (1, Frames.Close(masked)), (1, Frames.Wrong(masked)), (1, Bytes.Noise))
             from cut in Gen.Frequency((3, Gen.Constant(0)), (1, Gen.Choose(0, 12)))
             select (byte[])[(byte)Call.Feed, (byte)cut, .. Bytes.AsBlock(content.Length > 65535 ? content[..65535] : content)]),
        (14, from call in Gen.Choose(0, (int)Call.Count - 1)
             from arguments in Bytes.Exactly(2)
             select (byte[])[(byte)call, .. arguments]));
}
