using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Subjects;

/// <summary>What is under test: our end of a connection, and the way in which it echoes.</summary>
public enum Subject
{
    /// <summary>A server with callbacks, before HTTP begins, as <c>sluice serve</c> has it.</summary>
    ServerDirect,

    /// <summary>The same over the epoll transport; where that is not supported, over Kestrel's own.</summary>
    ServerEpoll,

    /// <summary>A server with callbacks, behind an upgrade of HTTP.</summary>
    ServerHandler,

    /// <summary>A server that receives and sends by calls.</summary>
    ServerCalls,

    /// <summary>A server that reads each message as a stream, a few bytes at a time.</summary>
    ServerStreams,

    /// <summary>A client with callbacks, as <c>sluice connect --echo</c> has it.</summary>
    ClientHandler,

    /// <summary>A client that receives and sends by calls.</summary>
    ClientCalls,
}

internal static class SubjectExtensions
{
    public static Side Side(this Subject subject)
        => subject is Subject.ClientHandler or Subject.ClientCalls ? Wire.Side.Client : Wire.Side.Server;
}
