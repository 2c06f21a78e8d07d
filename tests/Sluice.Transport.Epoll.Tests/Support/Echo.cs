using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Sluice.Transport.Epoll.Tests.Support;

internal static class Echo
{
    /// <summary>Sends back what comes, until the end.</summary>
    public static async Task RunAsync(ConnectionContext connection)
    {
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        try
        {
            while (true)
            {
                var result = await input.ReadAsync();
                foreach (var piece in result.Buffer) output.Write(piece.Span);
                input.AdvanceTo(result.Buffer.End);
                if ((await output.FlushAsync()).IsCompleted || result.IsCompleted) break;
            }
        }
        catch (IOException)
        {
            // the peer has reset the connection
        }
        await connection.DisposeAsync();
    }
}
