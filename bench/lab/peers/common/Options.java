import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** The command line, which is the same for every peer. */
final class Options {
  private static final List<String> NAMES = List.of("bootstrap", "input",
      "output", "group", "state-dir", "interval-ms", "threads", "state",
      "settings");

  final String bootstrap;
  final String input;
  final String output;
  final String group;
  final Path stateDir;
  final long intervalMs;
  final int threads;
  final boolean rocksdb;
  final Map<String, String> settings = new HashMap<>();

  Options(String[] arguments) throws IOException {
    Map<String, String> given = new HashMap<>();
    for (int i = 0; i < arguments.length; i += 2) {
      String name = arguments[i].replaceFirst("^--", "");
      if (!NAMES.contains(name) || i + 1 == arguments.length) {
        throw new IllegalArgumentException("what is " + arguments[i] + "?");
      }
      given.put(name, arguments[i + 1]);
    }
    bootstrap = need(given, "bootstrap");
    input = need(given, "input");
    output = need(given, "output");
    group = need(given, "group");
    stateDir = Path.of(need(given, "state-dir")).toAbsolutePath();
    intervalMs = Long.parseLong(given.getOrDefault("interval-ms", "200"));
    threads = Integer.parseInt(given.getOrDefault("threads", "2"));
    String state = given.getOrDefault("state", "rocksdb");
    if (!List.of("rocksdb", "heap").contains(state)) {
      throw new IllegalArgumentException("--state is rocksdb or heap");
    }
    rocksdb = state.equals("rocksdb");
    if (given.containsKey("settings")) read(Path.of(given.get("settings")));
  }

  private void read(Path file) throws IOException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      properties.load(reader);
    }
    for (String name : properties.stringPropertyNames()) {
      settings.put(name, properties.getProperty(name).trim());
    }
  }

  private static String need(Map<String, String> given, String name) {
    String value = given.get(name);
    if (value == null) throw new IllegalArgumentException("no --" + name);
    return value;
  }
}
