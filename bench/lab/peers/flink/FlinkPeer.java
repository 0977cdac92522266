import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/**
 * The lab's job in Flink. In the settings, `source.NAME` and `sink.NAME` are
 * properties of the consumer and of the producer, `sink.naming` is the sink's
 * TransactionNamingStrategy, and all other names are Flink's.
 */
public final class FlinkPeer {
  private static final int STOP_SECONDS = 9;
  private static final String NAMING = "naming";

  private final Options options;
  private final Map<String, String> source = new TreeMap<>();
  private final Map<String, String> sink = new TreeMap<>();
  private final Configuration flink = new Configuration();

  private FlinkPeer(Options options) throws IOException {
    this.options = options;
    preset();
    options.settings.forEach((name, value) -> {
      if (name.startsWith("source.")) {
        source.put(name.substring("source.".length()), value);
      } else if (name.startsWith("sink.")) {
        sink.put(name.substring("sink.".length()), value);
      } else {
        flink.setString(name, value);
      }
    });
  }

  public static void main(String[] arguments) throws Exception {
    FlinkPeer peer = new FlinkPeer(new Options(arguments));
    Events.version("flink", EnvironmentInformation.getVersion(),
        peer.settings());
    CountDownLatch end = new CountDownLatch(1);
    Events.onSignal(end);
    boolean ended = false;
    try {
      ended = peer.run(end);
    } catch (Exception error) {
      error.printStackTrace();
    }
    System.exit(ended ? 0 : 1);  // Threads of the cluster may be left.
  }

  private void preset() throws IOException {
    Path checkpoints = options.stateDir.resolve("checkpoints");
    Path savepoints = options.stateDir.resolve("savepoints");
    source.put("commit.offsets.on.checkpoint", "true");
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL,
        Duration.ofMillis(options.intervalMs));
    flink.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE,
        CheckpointingMode.EXACTLY_ONCE);
    flink.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, uri(checkpoints));
    flink.set(CheckpointingOptions.SAVEPOINT_DIRECTORY, uri(savepoints));
    flink.set(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    flink.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, options.rocksdb);
    flink.set(StateBackendOptions.STATE_BACKEND,
        options.rocksdb ? "rocksdb" : "hashmap");
    flink.setString("state.backend.rocksdb.localdir",
        options.stateDir.resolve("rocksdb").toString());
    flink.setString("io.tmp.dirs", options.stateDir.resolve("tmp").toString());
    Optional<Path> last = LastCheckpoint.below(options.stateDir);
    if (last.isPresent()) {
      flink.set(StateRecoveryOptions.SAVEPOINT_PATH, uri(last.get()));
      // Its files are deleted once they are no longer needed.
      flink.set(StateRecoveryOptions.RESTORE_MODE, RecoveryClaimMode.CLAIM);
    }
  }

  private static String uri(Path path) {
    return path.toUri().toString();
  }

  private Map<String, String> settings() {
    Map<String, String> all = new TreeMap<>(flink.toMap());
    source.forEach((name, value) -> all.put("source." + name, value));
    sink.forEach((name, value) -> all.put("sink." + name, value));
    return all;
  }

  /** Until `end`; whether it ended in order. */
  private boolean run(CountDownLatch end) throws Exception {
    JobClient job = environment().executeAsync(options.group);
    job.getJobExecutionResult().whenComplete((result, error) -> {
      if (error != null && end.getCount() > 0) error.printStackTrace();
      end.countDown();
    });
    end.await();
    if (job.getJobExecutionResult().isDone()) return false;
    if (Events.isReady()) {
      // Not cancel(): it would leave the last transaction open.
      job.stopWithSavepoint(false, null, SavepointFormatType.NATIVE)
          .get(STOP_SECONDS, TimeUnit.SECONDS);
      job.getJobExecutionResult().get(STOP_SECONDS, TimeUnit.SECONDS);
    } else {
      job.cancel().get(STOP_SECONDS, TimeUnit.SECONDS);
    }
    Events.stopped();
    return true;
  }

  private StreamExecutionEnvironment environment() {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment
        .createLocalEnvironment(options.threads, flink);
    environment
        .fromSource(source(), WatermarkStrategy.noWatermarks(), "in",
            PlainType.READING)
        .uid("in")
        .keyBy(reading -> reading.vehicle)
        .process(new WindowFunction(), PlainType.RESULT)
        .uid("windows")
        .sinkTo(sink())
        .uid("out");
    return environment;
  }

  private KafkaSource<Reading> source() {
    Properties properties = new Properties();
    properties.putAll(source);
    return KafkaSource.<Reading>builder()
        .setBootstrapServers(options.bootstrap)
        .setTopics(options.input)
        .setGroupId(options.group)
        .setStartingOffsets(OffsetsInitializer.committedOffsets(
            OffsetResetStrategy.EARLIEST))
        .setDeserializer(new JsonReadings())
        .setProperties(properties)
        .build();
  }

  private KafkaSink<Result> sink() {
    Properties properties = new Properties();
    properties.putAll(sink);
    properties.remove(NAMING);
    // From the builder: pooled names need a schema that knows its topic.
    KafkaRecordSerializationSchema<Result> record =
        KafkaRecordSerializationSchema.<Result>builder()
            .setTopic(options.output)
            .setKeySerializationSchema(new ResultPart(true))
            .setValueSerializationSchema(new ResultPart(false))
            .build();
    return KafkaSink.<Result>builder()
        .setBootstrapServers(options.bootstrap)
        .setKafkaProducerConfig(properties)
        .setRecordSerializer(record)
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(options.group)
        .setTransactionNamingStrategy(naming())
        .build();
  }

  private TransactionNamingStrategy naming() {
    String name = sink.get(NAMING);
    return name == null ? TransactionNamingStrategy.DEFAULT
        : TransactionNamingStrategy.valueOf(name);
  }
}
