// The peer ASP.NET Core with its built-in WebSockets: an echo and rooms. See ../README.md for the command line.
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Sluice.Bench.AspNetCore;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
if (builder.Configuration["transport"] == "epoll") builder.WebHost.UseEpollTransport();
builder.WebHost.UseKestrelHttpsConfiguration();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen =>
{
    if (builder.Configuration["cert"] is not { } certificate) return;
    listen.UseHttps(X509Certificate2.CreateFromPemFile(certificate, builder.Configuration["key"]));
}));

var app = builder.Build();
var accept = new WebSocketAcceptContext { DangerousEnableCompression = builder.Configuration["compress"] == "true" };
var rooms = new Rooms();
app.UseWebSockets();
app.Map("/echo", async context =>
{
    using var socket = await context.WebSockets.AcceptWebSocketAsync(accept);
    await Echo.RunAsync(socket);
});
app.Map("/rooms/{name}", async (HttpContext context, string name) =>
{
    using var socket = await context.WebSockets.AcceptWebSocketAsync(accept);
    await rooms.RunAsync(name, socket);
});

await app.StartAsync();
var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
Console.WriteLine($"listening {new Uri(address).Port}");
await app.WaitForShutdownAsync();
